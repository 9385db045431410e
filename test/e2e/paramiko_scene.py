"""What Ansible and scripts do with paramiko: a command, files both ways, a connection through the server."""

import os
import sys

import paramiko

port, home, other = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", port=port, username="web-1", password=os.environ["TOKEN"], allow_agent=False, look_for_keys=False)

stdin, stdout, stderr = client.exec_command("cat; echo err >&2; exit 3")
stdin.write("in")
stdin.channel.shutdown_write()
assert stdout.read() == b"in"
assert stderr.read() == b"err\n"
assert stdout.channel.recv_exit_status() == 3

sftp = client.open_sftp()
path = os.path.join(home, "paramiko")
contents = os.urandom(1_000_000)
with sftp.open(path, "wb") as file:
    file.set_pipelined(True)
    file.write(contents)
with sftp.open(path, "rb") as file:
    file.prefetch()
    assert file.read() == contents
assert sftp.stat(path).st_size == len(contents)
assert "paramiko" in sftp.listdir(home)
sftp.chdir(home)
sftp.rename("paramiko", "renamed")
sftp.remove("renamed")
try:
    sftp.stat("renamed")
    raise SystemExit("it is still there")
except FileNotFoundError:
    pass

channel = client.get_transport().open_channel("direct-tcpip", ("127.0.0.1", other), ("127.0.0.1", 1))
assert channel.recv(8).startswith(b"SSH-2.0")
client.close()
print("ok")
