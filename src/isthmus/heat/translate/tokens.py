# SPDX-License-Identifier: Apache-2.0
"""What Keystone tells of a token, as far as it matters to stacks."""

from __future__ import annotations

from typing import Any

_OF_SIGNATURES = "ec2credential"


def is_of_signed_query(token_info: Any) -> bool:
    """Whether a token was given for a signature, made with an EC2 credential.

    Args:
        token_info: Keystone's description of it; None if there is no token.
    """
    return _OF_SIGNATURES in ((token_info or {}).get("token", {}).get("methods") or ())
