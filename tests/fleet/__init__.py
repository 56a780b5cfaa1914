# SPDX-License-Identifier: GPL-2.0-only
"""`make fleet-test`: deploy/ansible, deploy/container, deploy/kubernetes and examples/cloud-init*.yaml are tried."""
