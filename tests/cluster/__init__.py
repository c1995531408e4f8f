"""A real Kubernetes cluster as local processes: `make cluster` and the operator's tests share it.

`light.LightCluster` is etcd, the API server and chosen controllers on loopback: no node, no root,
seconds to start. `full.Cluster` adds scheduler, kubelet, containerd, kube-proxy and CoreDNS, all in
a network and mount namespace of their own: pods really run. `home` says where a cluster lives,
`guard` refuses every cluster that is not of this package, `kubectl` talks to it; `binaries` builds
the programs from Go modules once (`go` brings Go), `certificates` and `configure` write what they
read, `components` lists the processes for the supervisor of tests.stack.
"""
