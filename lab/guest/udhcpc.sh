#!/bin/sh
# What udhcpc calls when it has an address, or loses it.
case "$1" in
  deconfig)
    ip link set "$interface" up
    ;;
  bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; done
    # classless static routes (RFC 3442) come in pairs
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      ip route replace "$1" via "$2" dev "$interface" 2>/dev/null
      shift 2
    done
    echo "I am $(hostname) at $ip" >/www/index.html
    echo "GUEST-ADDRESS $interface $ip/$mask" >/dev/console
    ;;
esac
