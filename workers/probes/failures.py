"""Why there was no answer, in a sentence that names host and port but nothing secret."""

import errno
import ssl
from typing import Final

import aiohttp
from yarl import URL

from .addresses import PrivateAddress
from .errors import ProbeError, ProtocolBroken, Unreachable
from .finding import readable

_REASON_LIMIT: Final = 120
_CUT: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


def is_own_shortage(error: OSError) -> bool:
    """Tell whether this process ran out of descriptors, ports or memory: no target's fault."""
    return error.errno in _SHORT


def reason(error: Exception, url: str) -> ProbeError:
    """Turn what aiohttp or the system raised into what it says about the target."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error)
    if isinstance(error, aiohttp.InvalidURL):
        return Unreachable("The URL has no host that could be asked.")
    if isinstance(error, aiohttp.ServerDisconnectedError | OSError):
        return _cut_off(error, URL(url))
    if isinstance(error, aiohttp.ClientPayloadError):
        return ProtocolBroken("Broke off its answer.")
    if isinstance(error, aiohttp.ClientResponseError):
        return ProtocolBroken("Answers with something that is not HTTP.")
    return ProtocolBroken(f"The probe failed on the answer ({type(error).__name__}).")


def _not_connected(error: aiohttp.ClientConnectorError) -> Unreachable:
    # After a redirect this is not the place that the target's own URL names.
    place = f"{error.host} port {error.port}"
    cause = error.os_error
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(f"The name {error.host} does not resolve: {_system(cause)}.")
    if isinstance(cause, PrivateAddress):
        return _refused(cause)
    if isinstance(cause, ssl.SSLCertVerificationError):
        trouble = readable(cause.verify_message, _REASON_LIMIT).rstrip(".")
        return Unreachable(f"The TLS certificate of {place} is not accepted: {trouble}.")
    if isinstance(cause, ssl.SSLError):
        return Unreachable(f"No TLS connection to {place}: {_tls(cause)}.")
    if cause.errno == errno.ECONNREFUSED:
        return Unreachable(f"Nobody listens on {place}: connection refused.")
    return Unreachable(f"No connection to {place}: {_system(cause)}.")


def _refused(error: PrivateAddress) -> Unreachable:
    return Unreachable(f"Is not asked: {error.address} is a private address that PROBE_NETWORKS does not allow.")


def _cut_off(error: aiohttp.ServerDisconnectedError | OSError, url: URL) -> Unreachable:
    place = f"{url.host} port {url.port}"
    if isinstance(error, OSError) and error.errno not in _CUT:
        return Unreachable(f"No connection to {place}: {_system(error)}.")
    return Unreachable(f"{place} closed the connection before it had answered.")


def _system(error: OSError) -> str:
    return readable(error.strerror or type(error).__name__, _REASON_LIMIT).rstrip(".")


def _tls(error: ssl.SSLError) -> str:
    return readable(error.reason or type(error).__name__, _REASON_LIMIT).replace("_", " ").lower()
