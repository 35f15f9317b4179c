"""Mutual TLS: who has no certificate of the cluster's own authority is nobody here.

Rules of this file:

* Both sides show a certificate, and each is checked against one file of authorities: that of the
  cluster, never the system's.
* Who calls a node checks that the node's certificate is for the host that it called.  A node that
  is called by one who says that it is node N checks that the certificate is for the host of node N:
  so a client's certificate does not make a node.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any


def contexts(
    certificate: Path, key: Path, authorities: Path
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For those who call us, and for those whom we call.  OSError if a file is of no use."""
    listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening.verify_mode = ssl.CERT_REQUIRED
    calling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host by itself
    for context in (listening, calling):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authorities)
    return listening, calling


def is_for(certificate: dict[str, Any] | None, host: str) -> bool:
    """Whether a certificate (as `getpeercert` gives it) names this host or address, exactly."""
    names = (certificate or {}).get("subjectAltName", ())
    return any(name == host for _, name in names)
