# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks: what sites tell each other, and what each makes of it.

documents   one writer each: the site in whose store it stands
encoding    documents as JSON, and back, strictly
merge       all documents of one VTN ──▶ VtnView: what counts, what this site has to do
ownership   what an owner writes: changes, take-over, deletion, when a deletion may be forgotten
requests    what other sites ask of the owner: each carried out once, each answered
slices      prefixes for members, none given twice
status      what is known of a VTN, and how old
recovery    what differs between sites, and what did not count
"""
