package dist

import (
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
)

// keyed is an error's text for another rank: it names settings by their keys, so that each rank can translate them.
func keyed(err error) string {
	return field.Text(err, func(key string) string { return "{" + key + "}" })
}

// fromKeyed is the error of such a text.
func fromKeyed(text string) error { return field.Errorf(strings.ReplaceAll(text, "%", "%%")) }
