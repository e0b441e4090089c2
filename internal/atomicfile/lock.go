package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gofrs/flock"
)

// Lock is a lock file that this process holds.
type Lock struct{ file *flock.Flock }

// Held is the error of a lock that another process, or another part of this process, holds.
type Held struct{ Path, Process string }

func (h *Held) Error() string { return fmt.Sprintf("%s is held by process %s", h.Path, h.Process) }

// TakeLock creates and locks the file path. If it is locked TakeLock returns a *Held at once. The lock of a killed
// process is free, and the file that it left is used again.
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
		} else if !there { // its holder removed the file after it was opened here
			if err := f.Unlock(); err != nil {
				return nil, err
			}
			continue
		}
		return l, l.sign()
	}
}

// there reports whether the locked file is still the one at the path.
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

// sign writes the number of the process that holds the lock, for the message of others.
func (l *Lock) sign() error {
	return os.WriteFile(l.file.Path(), fmt.Appendln(nil, os.Getpid()), 0o644)
}

// Release removes the file and frees the lock.
func (l *Lock) Release() error { return errors.Join(os.Remove(l.file.Path()), l.file.Unlock()) }
