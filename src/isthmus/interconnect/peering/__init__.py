# SPDX-License-Identifier: Apache-2.0
"""How two sites become peers, and stay so.

     inviting site                                          accepting site
  operator invites: INVITED ──── one line of text ────▶ operator accepts: PENDING
  PENDING  ◀── join: secret, CA, endpoints, request ────── its daemon, again and again
  operator compares fingerprints and confirms
           ──▶ certificate for the other, own request ──▶ checks, issues a certificate in turn
  CONFIRMED ◀── join, with that certificate ──────────────
           ──── CONFIRMED ─────────────────────────────▶ CONFIRMED

Each side generates its keys itself and issues a certificate to the other only once its own operator
has said so. Later either asks the other for a new certificate in good time, on a connection that
the present one vouches for.
"""
