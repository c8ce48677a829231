# SPDX-License-Identifier: Apache-2.0
"""The lab's guest: Debian's cloud kernel and a busybox initramfs, a few megabytes together."""
