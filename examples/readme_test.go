package examples

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The Go in README.md is the body of an example test, which is compiled and run.
func TestReadmeShowsTheExampleThatRuns(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found, "README.md has no Go in it")
	shown, rest, found := strings.Cut(after, "```")
	require.True(t, found)
	assert.NotContains(t, rest, "```go", "only one block is compared")
	source, err := os.ReadFile("../losses/library_test.go")
	require.NoError(t, err)
	assert.Contains(t, strings.ReplaceAll(string(source), "\n\t", "\n"), shown)
}
