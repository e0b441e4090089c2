package field

import "io"

// Namer is a writer that knows what its readers call settings, as flags. "": the field's own name.
type Namer interface {
	NameOf(key string) string
}

// Say is the message of err for the readers of w: its settings have w's names if w is a Namer.
func Say(w io.Writer, err error) string {
	if n, ok := w.(Namer); ok {
		return Text(err, n.NameOf)
	}
	return err.Error()
}

// Fprintf writes a message for the readers of w, whose format is that of Errorf.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return io.WriteString(w, Say(w, Errorf(format, args...)))
}
