"""The ruler's network on Cimba: the egress of one registry and equal NICs, shared max-min fair.

Nodes with so many transfers are one group, with a clock of bytes that each of its transfers has got; a node's transfers
end at readings of this clock. cimba has no flows of its own, so this is compiled code between its processes: whoever
downloads is suspended, and resumed by the process that waits for the next end.
"""

from __future__ import annotations

import cimba as cb


class Network(cb.Model):
    """Tables have a row a node, a node and transfer, or a group; groups are numbered by the transfers of a node."""

    egress: cb.Param[float]  # bytes/s
    nic: cb.Param[float]  # bytes/s of each node
    nodes: cb.Param[int]
    most: cb.Param[int]  # transfers of a node

    group: cb.Array[int]  # of a node
    offset: cb.Array[float]  # of a node: its first transfer's clock minus the group's
    next: cb.Array[float]  # end of a node, by the group's clock
    place: cb.Array[int]  # of a node in its group's heap
    ends: cb.Array[float]  # of a node's transfers, by the group's clock plus the node's offset
    waiting: cb.Array[int]  # their processes
    members: cb.Array[int]  # nodes of a group
    clock: cb.Array[float]  # of a group, at `time`
    rate: cb.Array[float]  # of each transfer of a group
    heap: cb.Array[int]  # a group's nodes by their next ends
    flows: int = 0
    time: float = 0.0
    soonest: int = 0  # the group that something ends in first
    server: int = 0

    @cb.process
    def serve(self):
        self.server = cb.this_process().pointer
        while True:
            cb.suspend()
            self.finish()

    @cb.function
    def start(self, node: int, size: float, process: int) -> None:
        """Download so many bytes, and resume the process then."""
        self.advance()
        group = self.group[node]
        reading = self.clock[group] + self.offset[node] if group > 0 else 0.0
        self.ends[node * self.most + group] = reading + size
        self.waiting[node * self.most + group] = process
        self.leave(node)
        self.join(node, group + 1, reading)
        self.plan()

    @cb.function
    def finish(self) -> None:
        """End what is due."""
        self.advance()
        group = self.soonest
        clock = max(self.clock[group], self.next[self.heap[group * self.nodes]])  # whatever rounding says
        self.clock[group] = clock
        while self.members[group] > 0 and self.next[self.heap[group * self.nodes]] <= clock:
            node = self.heap[group * self.nodes]
            offset, base, left = self.offset[node], node * self.most, 0
            self.leave(node)
            for flow in range(base, base + group):
                if self.ends[flow] - offset <= clock:
                    cb.Process(self.waiting[flow]).resume()
                else:
                    self.ends[base + left] = self.ends[flow]
                    self.waiting[base + left] = self.waiting[flow]
                    left += 1
            self.join(node, left, clock + offset)
        self.plan()

    @cb.function
    def advance(self) -> None:
        passed = cb.now() - self.time
        if passed > 0.0:
            for group in range(1, self.most + 1):
                self.clock[group] += self.rate[group] * passed
            self.time = cb.now()

    @cb.function
    def plan(self) -> None:
        """Share: where nodes have the most transfers NICs are the limit first, and all others get equal shares."""
        left, flows, level, wait = self.egress, self.flows, 0.0, -1.0
        for group in range(self.most, 0, -1):
            if self.members[group] == 0:
                continue
            if level == 0.0 and self.nic / group * flows > left:
                level = left / flows
            if level == 0.0:
                left -= self.members[group] * self.nic
                flows -= self.members[group] * group
            self.rate[group] = level if level > 0.0 else self.nic / group
            due = max(0.0, self.next[self.heap[group * self.nodes]] - self.clock[group]) / self.rate[group]
            if wait < 0.0 or due < wait:
                wait = due
                self.soonest = group
        if wait >= 0.0:
            cb.Process(self.server).timer_set(wait, 1)

    @cb.function
    def join(self, node: int, group: int, reading: float) -> None:
        """Put a node whose transfers' clock reads so into a group."""
        self.group[node] = group
        if group == 0:
            return
        if self.members[group] == 0:
            self.clock[group] = 0.0
        self.offset[node] = reading - self.clock[group]
        end = self.ends[node * self.most]
        for flow in range(node * self.most + 1, node * self.most + group):
            end = min(end, self.ends[flow])
        self.next[node] = end - self.offset[node]
        self.members[group] += 1
        self.flows += group
        self.rise(group, self.members[group] - 1, node)

    @cb.function
    def leave(self, node: int) -> None:
        """Take a node out of its group."""
        group = self.group[node]
        if group == 0:
            return
        self.members[group] -= 1
        self.flows -= group
        hole, last = self.place[node], self.heap[group * self.nodes + self.members[group]]
        if last != node:
            self.sink(group, hole, last)
            self.rise(group, self.place[last], last)

    @cb.function
    def put(self, group: int, place: int, node: int) -> None:
        self.heap[group * self.nodes + place] = node
        self.place[node] = place

    @cb.function
    def rise(self, group: int, place: int, node: int) -> None:
        while place > 0:
            above = (place - 1) // 2
            other = self.heap[group * self.nodes + above]
            if self.next[other] <= self.next[node]:
                break
            self.put(group, place, other)
            place = above
        self.put(group, place, node)

    @cb.function
    def sink(self, group: int, place: int, node: int) -> None:
        base, size = group * self.nodes, self.members[group]
        while 2 * place + 1 < size:
            below = 2 * place + 1
            if below + 1 < size and self.next[self.heap[base + below + 1]] < self.next[self.heap[base + below]]:
                below += 1
            other = self.heap[base + below]
            if self.next[node] <= self.next[other]:
                break
            self.put(group, place, other)
            place = below
        self.put(group, place, node)


def make_network(nodes: int, egress: float, nic: float, most: int) -> Network:
    """Return a network whose nodes have up to so many transfers at a time."""
    network = Network()
    network.egress, network.nic, network.nodes, network.most = egress, nic, nodes, most
    network.group, network.offset = cb.Array(nodes), cb.Array(nodes)
    network.next, network.place = cb.Array(nodes), cb.Array(nodes)
    network.ends, network.waiting = cb.Array(nodes * most), cb.Array(nodes * most)
    network.members, network.clock, network.rate = cb.Array(most + 1), cb.Array(most + 1), cb.Array(most + 1)
    network.heap = cb.Array((most + 1) * nodes)
    return network
