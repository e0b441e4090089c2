// Package suggest names the nearest known word when an unknown one was typed.
package suggest

import (
	"strings"

	"github.com/agext/levenshtein"

	"github.com/icl-msr/icl-msr/internal/field"
)

// Nearest returns the known word most like word, "" when none is much like it.
func Nearest(word string, known []string) string {
	best, score := "", 0.5
	for _, k := range known {
		if sim := levenshtein.Similarity(strings.ToLower(word), strings.ToLower(k), nil); sim > score {
			best, score = k, sim
		}
	}
	return best
}

// Unknown is the error for a word that is not known: one line with the nearest
// word and all of them. kind may name a setting as {package.Field}.
func Unknown(kind, word string, known []string) error {
	list := strings.Join(known, ", ")
	if near := Nearest(word, known); near != "" {
		return field.Errorf("unknown "+kind+" %q; did you mean %q? known: %s", word, near, list)
	}
	return field.Errorf("unknown "+kind+" %q; known: %s", word, list)
}
