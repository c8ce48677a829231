# SPDX-License-Identifier: Apache-2.0
"""What Heat makes of Isthmus: resources, constraints and the client they act through.

template ─▶ Heat ─▶ plugins/ (what Heat's ``plugin_dirs`` loads) ─▶ resources/ ─▶ clients ─▶ API
                                                                      │
                                                          translate/ (pure: properties ⇄ bodies)
"""
