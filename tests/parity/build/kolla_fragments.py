"""Renders overrides of one image with kolla-build's own worker.

Usage: kolla_fragments.py BASE IMAGE WORKDIR FILE...

Run by the Python of a Kolla release. Writes one JSON object: file -> {"text": …} or {"error": …}.
"""
import json
import logging
import os
import sys

base, image, work, *files = sys.argv[1:]
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from kolla.common import config as common_config
from oslo_config import cfg

try:
    from kolla.image.kolla_worker import KollaWorker
except ImportError:
    from kolla.image.build import KollaWorker

logging.disable(logging.CRITICAL)
conf = cfg.ConfigOpts()
common_config.parse(conf, ["--base", base, "--template-only", "--work-dir", work, ".*"], prog="kolla-build")
worker = KollaWorker(conf)
worker.setup_working_dir()
worker.find_dockerfiles()
worker.docker_build_paths = [path for path in worker.docker_build_paths if os.path.basename(path) == image]
dockerfile = os.path.join(worker.docker_build_paths[0], "Dockerfile")
results = {}
for file in files:
    conf.set_override("template_override", [file])
    try:
        worker.create_dockerfiles()
        with open(dockerfile, newline="") as rendered:
            results[file] = {"text": rendered.read()}
    except Exception as error:
        results[file] = {"error": f"{type(error).__name__}: {error}"}
json.dump(results, sys.stdout)
