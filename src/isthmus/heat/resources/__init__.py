# SPDX-License-Identifier: Apache-2.0
"""The resources, each as Heat calls it; what they say to the API is in ``translate``."""
