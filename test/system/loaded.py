"""Commands of posse in processes forked from one that has loaded LibTorch:
loaded_program.cpp, from this side."""

import os
import signal
import socket
import struct
import subprocess
import tempfile

STATUS = struct.Struct("i")  # an int, as C has it
REQUEST_BYTES = 128 * 1024


class LoadedProgram:
    """One such process; its commands run one after the other."""

    def __init__(self, path, environment, prepare):
        """prepare: called in the new process before the program starts."""
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It ends when this socket does.
            self.popen = subprocess.Popen(
                [path], stdin=theirs, env=environment, preexec_fn=prepare
            )

    def _answer(self):
        packet = self.socket.recv(STATUS.size)
        if len(packet) != STATUS.size:
            raise AssertionError(f"{self.popen.args[0]} ended with {self.popen.wait()}")
        return STATUS.unpack(packet)[0]

    def run(self, args, folder, seconds):
        """Runs a command to its end, or kills it after the deadline.

        @returns its exit code as subprocess has it, or None after the deadline, its
        stdout and stderr, and whether a process of its group was left over."""
        request = b"".join(str(each).encode() + b"\0" for each in (folder, *args))
        if len(request) > REQUEST_BYTES:
            raise ValueError(f"expected at most {REQUEST_BYTES} bytes, got {len(request)}")
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            socket.send_fds(self.socket, [request], [out.fileno(), err.fileno()])
            self.socket.settimeout(seconds)
            pid = self._answer()
            try:
                code = os.waitstatus_to_exitcode(self._answer())
            except TimeoutError:
                os.killpg(pid, signal.SIGKILL)
                self.socket.settimeout(None)
                self._answer()
                code = None
            left = kill_group(pid)
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return code, *texts, left


def kill_group(pid):
    """Kills a process group. @returns whether any of it was still there."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
