# SPDX-License-Identifier: Apache-2.0
"""Extension descriptors. Neutron loads each file here by path and takes the class of its name."""
