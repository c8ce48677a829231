# SPDX-License-Identifier: Apache-2.0
"""What users have of Isthmus: openstacksdk resources and ``openstack`` commands. It speaks REST."""
