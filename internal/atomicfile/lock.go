package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gofrs/flock"
)

// Lock is a lock file that is held.
type Lock struct{ file *flock.Flock }

// Held is the error of a lock that another process, or another part of this one,
// holds.
type Held struct{ Path, Process string }

func (h *Held) Error() string { return fmt.Sprintf("%s is held by process %s", h.Path, h.Process) }

// TakeLock makes the file path and locks it, or returns a *Held at once. The lock
// of a process that was killed is free; the file that it left is taken over.
func TakeLock(path string) (*Lock, error) {
	for {
		f := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
		locked, err := f.TryLock()
		if err != nil {
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		if !locked {
			owner, _ := os.ReadFile(path)
			return nil, &Held{path, strings.TrimSpace(string(owner))}
		}
		l := &Lock{f}
		if there, err := l.there(); err != nil {
			return nil, errors.Join(err, f.Unlock())
		} else if !there { // who had it removed the file after we opened it
			if err := f.Unlock(); err != nil {
				return nil, err
			}
			continue
		}
		return l, l.sign()
	}
}

// there reports whether the locked file is the one that has the name.
func (l *Lock) there() (bool, error) {
	named, err := os.Stat(l.file.Path())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	held, err := l.file.Stat()
	return err == nil && os.SameFile(named, held), err
}

// sign writes who holds it, for the message to others.
func (l *Lock) sign() error {
	return os.WriteFile(l.file.Path(), fmt.Appendln(nil, os.Getpid()), 0o644)
}

// Release removes the file and frees the lock.
func (l *Lock) Release() error { return errors.Join(os.Remove(l.file.Path()), l.file.Unlock()) }
