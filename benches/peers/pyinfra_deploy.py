"""A real server of one service in DR: what keeps it silent, the VIP, and its route. Nothing for the next boot."""

from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import server

VIP = "10.77.255.200"

for scope in ("all", "lo"):
    for name, value in (("arp_ignore", 1), ("arp_announce", 2)):
        server.sysctl(name=f"{name} of {scope}", key=f"net.ipv4.conf.{scope}.{name}", value=value)

if f"inet {VIP}/32" not in host.get_fact(Command, "ip -o -4 addr show dev lo"):
    server.shell(name="the VIP", commands=[f"ip addr add {VIP}/32 dev lo label lo:0"])

if f"{VIP} dev lo" not in host.get_fact(Command, "ip -4 route show table main"):
    server.shell(name="its route", commands=[f"ip route replace {VIP}/32 dev lo"])
