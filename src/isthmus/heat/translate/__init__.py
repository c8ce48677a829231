# SPDX-License-Identifier: Apache-2.0
"""What a template says and what the API takes, one into the other: values in, values out."""
