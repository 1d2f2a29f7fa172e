"""A real one-node Kubernetes on one machine, for demonstrations and end-to-end tests.

The pieces are the upstream ones, built from their Go modules. A cluster lives in a folder, a cgroup and a
set of namespaces (mount, network, process) of its own, so that clusters run side by side, the host is left
as it was, and ending one process ends them all.
"""
