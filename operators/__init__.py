"""Kubernetes operators of ucc-intel; operators/README.md tells how to install and use them."""
