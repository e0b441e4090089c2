package ordered_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/ordered"
)

func TestMembersKeepTheirOrder(t *testing.T) {
	o := ordered.Object{{"z", 1.0}, {"a", ordered.Object{{"y", "<"}, {"b", nil}}}, {"k", []int{1}}}
	text, err := json.Marshal(o)
	require.NoError(t, err)
	assert.Equal(t, `{"z":1,"a":{"y":"\u003c","b":null},"k":[1]}`, string(text))
	var back ordered.Object
	require.NoError(t, json.Unmarshal(text, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	assert.Equal(t, string(text), string(again))
	var list []int
	require.NoError(t, back.Read("k", &list))
	assert.Equal(t, []int{1}, list)
	require.NoError(t, back.Read("none", &list))
	assert.ErrorContains(t, back.Read("z", &list), "z: json: cannot unmarshal number")
	empty, err := json.Marshal(ordered.Object{})
	require.NoError(t, err)
	assert.Equal(t, "{}", string(empty))
	assert.ErrorContains(t, json.Unmarshal([]byte("[1]"), &back), "want an object, not [1]")
	_, err = json.Marshal(ordered.Object{{"f", func() {}}})
	assert.ErrorContains(t, err, "f: json: unsupported type")
}
