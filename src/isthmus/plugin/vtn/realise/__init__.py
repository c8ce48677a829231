# SPDX-License-Identifier: Apache-2.0
"""From what a virtual tenant network (VTN) is to be at this site to what there is of it.

    merged view ─▶ realiser ─▶ claim, with ids for everything
                                 ├─ networks   network and subnets, by Neutron's core plug-in
                                 ├─ service    VPN and association, journalled for dispatch
                                 ├─ removal    all of it, once no tenant's port is left
                                 ▼
                               saying ─▶ the member's document: what there is, and its status

    drift      pure: what somebody changed by hand
    paying     whatever is made counts against the tenant's quotas
    neutron_events   networks that somebody touches are looked at
    watch      statuses that are no more what the document says

Each pass starts from what is there, so a worker that died at any step is continued.
"""
