package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// A recipe's settings are flags of pretrain, with values that they take.
func TestRecipePrintedIsTyped(t *testing.T) {
	for _, set := range methods.DataSets() {
		status, out, errs := do("methods", "--preset", set)
		require.Zero(t, status, errs)
		for _, name := range methods.Names() {
			all, err := methods.Settings(name, set)
			require.NoError(t, err)
			c := train.Default()
			f := pflag.NewFlagSet("", pflag.ContinueOnError)
			bindConfig(f, &c)
			for _, x := range all {
				flag, option, isOption := strings.Cut(x.Name, " ")
				value := x.Value
				if isOption {
					value = option + "=" + value
				}
				assert.NoError(t, f.Set(flag, value), "%s on %s", name, set)
				assert.Contains(t, out, x.Source)
			}
		}
	}
	_, out, _ := do("methods", "--preset", "imagenet")
	assert.Regexp(t, `cpc +- +- +no recipe on imagenet yet`, out)
	status, _, errs := do("methods", "--preset", "imagnet")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, `did you mean "imagenet"?`)
	_, out, _ = do("methods", "--options")
	assert.Regexp(t, `simsiam +predictor_steady +0`, out)
	assert.Regexp(t, `simclr +view_norm +0`, out)
}
