# SPDX-License-Identifier: Apache-2.0
"""``isthmus-pe-agent``: one provider edge. ``isthmus-pe-agent look``: what it holds."""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType

from oslo_config import cfg
from oslo_log import log
from oslo_service.backend import BackendType, init_backend

from isthmus.config.pe_agent import InvalidConfiguration, read_options, register_options
from isthmus.model.errors import InvalidValue

LOG = logging.getLogger(__name__)

_PROJECT = "isthmus"
_USAGE = "%(prog)s [look ...] [--config-file PATH] [options]"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent until SIGTERM or SIGINT; return the process's exit code.

    0 after a signal, with flows and routes left as they are; 2 if the configuration can't be
    used, with one sentence for each mistake. ``look`` as the first word looks at the agent that
    runs.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == ["look"]:
        # Imported late: the agent's libraries are not needed to say that it is away.
        from isthmus.cmd import look

        return look.main(arguments[1:])
    # oslo.messaging registers its tracing options here alone, and reads them with every message.
    conf = cfg.CONF
    log.register_options(conf)
    register_options(conf)
    try:
        conf(arguments, project=_PROJECT, prog="isthmus-pe-agent", usage=_USAGE)
        options = read_options(conf)
        log.setup(conf, _PROJECT)
        # A library looks whether eventlet is there, which complains; it is not used here.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        # Before oslo.messaging makes oslo.service choose eventlet.
        init_backend(BackendType.THREADING)
        # Imported late, also so that a configuration is refused within a moment.
        from isthmus.pe_agent.agent import PeAgent, make_speaker
        from isthmus.pe_agent.server_link import ServerLink

        agent = PeAgent(options, make_speaker(options))
        link = ServerLink(conf, options.host, agent.reconciler)
    except InvalidConfiguration as error:
        return _refuse(error.sentences)
    except (cfg.Error, InvalidValue) as error:
        return _refuse([str(error)])

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        agent.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    LOG.info("agent.started host=%s address=%s", options.host, options.pe.address)
    agent.run(link)
    LOG.info("agent.stopped host=%s flows_and_routes=kept", options.host)
    return 0


def _refuse(sentences: Sequence[str]) -> int:
    for sentence in sentences:
        sys.stderr.write(f"isthmus: {sentence}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
