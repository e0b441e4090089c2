package main

import "github.com/icl-msr/icl-msr/internal/field"

// flagged is err with the flags of the settings that it names.
func flagged(err error) error {
	if err == nil {
		return nil
	}
	return flaggedError{err}
}

// messageOf is the message of flagged.
func messageOf(err error) string { return flagged(err).Error() }

type flaggedError struct{ error }

func (e flaggedError) Error() string {
	names := otherFlagNames()
	return field.Text(e.error, func(key string) string { return names[key] })
}

func (e flaggedError) Unwrap() error { return e.error }

// otherFlagNames are the flags of the libraries' settings, by package.Field.
func otherFlagNames() map[string]string {
	return map[string]string{
		"dist.Backend":        "--backend",
		"dist.Device":         "--device",
		"dist.Timeout":        "--dist-timeout",
		"torch.Deterministic": "--deterministic",
		"torch.Device":        "--device",
	}
}
