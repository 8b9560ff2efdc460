# Types at a program on a terminal of its own, whose controlling terminal that is.
#
#   terminal.py FILE PROGRAM [ARG…]
#
# FILE has JSON: a list of [texts to wait for, one after another, what to do then]. What to do is text to type, or a word: HANGUP closes the
# terminal, KILL and TERM send a signal to the program. What was shown goes to standard output, then a line with the wait
# status. Nothing takes longer than 20 s.

import fcntl, json, os, pty, select, signal, struct, sys, termios, time

steps = json.load(open(sys.argv[1]))
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])

end = time.time() + 20
shown = b''
seen = 0


def read_until(text):
    global shown, seen
    while time.time() < end:
        found = shown.find(text.encode(), seen) if text else -1
        if found >= 0:
            seen = found + len(text)
            return True
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            some = os.read(terminal, 4096)
        except OSError:
            return False
        if not some:
            return False
        shown += some
    return False


open_still = True
for texts, action in steps:
    missing = [text for text in texts if not read_until(text)]
    if missing:
        print(f'NOT SHOWN: {missing}')
        break
    if action == 'HANGUP':
        os.close(terminal)
        open_still = False
    elif action in ('KILL', 'TERM'):
        os.kill(pid, getattr(signal, f'SIG{action}'))
    else:
        os.write(terminal, action.encode())
if open_still:
    read_until(None)
status = None
while status is None and time.time() < end:
    found, code = os.waitpid(pid, os.WNOHANG)
    if found:
        status = code
    else:
        time.sleep(0.05)
if status is None:
    os.kill(pid, signal.SIGKILL)
print(shown.decode(errors='replace'))
print(f'STATUS {status}')
