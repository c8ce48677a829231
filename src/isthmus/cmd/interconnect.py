# SPDX-License-Identifier: Apache-2.0
"""``isthmus-interconnect``: carries documents between this site and the others.

``isthmus-interconnect prepare`` makes what it needs once: the site's authority, the certificates of
its etcd and of the daemon, and, if etcd runs already, the rights in it.
"""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType

from oslo_config import cfg
from oslo_log import log

from isthmus.config.interconnect import InterconnectOptions, read_options, register_options
from isthmus.config.pe_agent import InvalidConfiguration
from isthmus.model.errors import EdgeError, InvalidValue

LOG = logging.getLogger(__name__)

_USAGE = "%(prog)s [prepare] [--config-file PATH ...] [options]"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon until SIGTERM or SIGINT; return the process's exit code.

    0 after a signal; 2 if the configuration or the certificates can't be used, with one sentence
    for each mistake. Whatever is away at the start is waited for.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    is_preparing = arguments[:1] == ["prepare"]
    # Neutron's database layer reads its options from here alone.
    conf = cfg.CONF
    log.register_options(conf)
    register_options(conf)
    try:
        conf(
            arguments[1:] if is_preparing else arguments,
            project="neutron",
            prog="isthmus-interconnect",
            usage=_USAGE,
        )
        options = read_options(conf)
        if is_preparing:
            return prepare(options)
        log.setup(conf, "isthmus")
        return _run(conf, options)
    except InvalidConfiguration as error:
        return _refuse(error.sentences)
    except (cfg.Error, InvalidValue) as error:
        return _refuse([str(error)])


def prepare(options: InterconnectOptions) -> int:
    """Make certificates that are missing, and secure the own etcd if it runs; idempotent.

    Returns:
        0 if etcd is secured; 1 if it did not answer: the daemon secures it when it does.
    """
    # Imported late: a mistake on the command line is told of within a moment.
    from isthmus.interconnect.certificates.folder import Folder
    from isthmus.interconnect.store.access import EtcdAccess
    from isthmus.interconnect.store.etcd_client import EtcdClient

    folder = Folder(options.certificates_path)
    for path in folder.prepare(options.site, options.public_hosts):
        sys.stdout.write(f"made {path}\n")
    client = EtcdClient(options.etcd, folder.credentials())
    try:
        EtcdAccess(client).secure()
    except EdgeError as error:
        sys.stdout.write(f"etcd is not secured yet: {error.for_operator}\n")
        return 1
    finally:
        client.close()
    sys.stdout.write(f"etcd at {', '.join(options.etcd)} lets in who was let in, nobody else\n")
    return 0


def _run(conf: cfg.ConfigOpts, options: InterconnectOptions) -> int:
    # Libraries of Neutron complain to whoever imports them.
    warnings.simplefilter("ignore")
    from oslo_service.backend import BackendType, init_backend

    # Before oslo.messaging makes oslo.service choose eventlet.
    init_backend(BackendType.THREADING)
    from isthmus.interconnect.assembly import assemble

    daemon = assemble(conf, options)

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        daemon.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    LOG.info("interconnect.started site=%s host=%s", options.site, options.host)
    daemon.run()
    LOG.info("interconnect.stopped site=%s host=%s", options.site, options.host)
    return 0


def _refuse(sentences: Sequence[str]) -> int:
    for sentence in sentences:
        sys.stderr.write(f"isthmus-interconnect: {sentence}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
