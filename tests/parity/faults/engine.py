"""A Docker engine of the campaign's own, which may be killed, stopped and filled up."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

# More than the images and the containers of a campaign take.
DISK = "900m"


class Engine:
    """A daemon with its own directory, network namespace and file system."""

    def __init__(self):
        self.place = tempfile.mkdtemp(prefix="slipway-faults-engine-")
        self.data = f"{self.place}/data"
        self.socket = f"{self.place}/docker.sock"
        self.host = f"unix://{self.socket}"
        self.daemon = None
        os.mkdir(self.data)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", self.data], check=True)

    def begin(self):
        """Starts the daemon and waits until it answers."""
        # A killed daemon leaves these files behind, and the next one takes its processes for alive.
        for file in ("pid", "exec/containerd/containerd.pid"):
            if os.path.exists(f"{self.place}/{file}"):
                os.remove(f"{self.place}/{file}")
        # A network namespace of its own: the daemon would remove the other daemon's bridge.
        script = 'ip link set lo up; exec dockerd "$@"'
        options = [f"--data-root={self.data}", f"--exec-root={self.place}/exec", f"--pidfile={self.place}/pid"]
        options += ["--host", self.host, "--bridge=none", "--iptables=false", "--ip6tables=false"]
        with open(f"{self.place}/log", "a") as log:
            command = ["unshare", "--net", "sh", "-c", script, "dockerd", *options]
            self.daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(600):
            if subprocess.run(["docker", "--host", self.host, "version"], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"the engine does not answer: see {self.place}/log")

    def docker(self, *arguments, text=None):
        command = ["docker", "--host", self.host, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout

    def remove_containers(self):
        """Removes all containers, as far as the daemon still answers."""
        list_all = ["docker", "--host", self.host, "ps", "--all", "--quiet"]
        for container in subprocess.run(list_all, capture_output=True, text=True).stdout.split():
            subprocess.run(["docker", "--host", self.host, "rm", "--force", container], capture_output=True)

    def load(self, image):
        """Takes an image over from the engine that the docker command finds."""
        save = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
        subprocess.run(["docker", "--host", self.host, "load", "--quiet"], stdin=save.stdout, check=True, stdout=subprocess.DEVNULL)
        if save.wait() != 0:
            raise RuntimeError(f"there is no image {image} to test with")

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def revive(self):
        """Starts the daemon again if a fault has ended it."""
        if self.daemon.poll() is not None:
            self.begin()

    def hang(self):
        self.daemon.send_signal(signal.SIGSTOP)

    def resume(self):
        self.daemon.send_signal(signal.SIGCONT)

    def end(self):
        """Ends the daemon and removes all that it had, whatever state it is in."""
        if self.daemon and self.daemon.poll() is None:
            self.resume()
            self.remove_containers()
            self.daemon.terminate()
            self.daemon.wait()
        # Each killed daemon has left a bind mount over its data directory.
        while subprocess.run(["umount", "--lazy", self.data], capture_output=True).returncode == 0:
            pass
        subprocess.run(["rm", "-rf", "--one-file-system", self.place])


class Relay:
    """Relays connections to an engine until it is cut."""

    def __init__(self, path, engine):
        self.path, self.engine, self.open = path, engine, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.engine.socket)
            except OSError:
                return
            self.open += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        os.remove(self.path)
        for one in (self.listener, *self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
