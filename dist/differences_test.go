package dist

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheFirstDifferenceIsNamed(t *testing.T) {
	const (
		at     = "PCI 0000:3b:00.0 of machine 1234abcd"
		two    = "PCI 0000:af:00.0 of machine 1234abcd"
		remedy = ": NCCL needs another for each; start one process for each GPU, or give Backend gloo"
	)
	is := func(size int, lr, gpu string) hello {
		return hello{Size: size, Fields: []Setting{{"the program's build", "aa"}, {"--lr", lr}},
			Only: Setting{"the GPU", gpu}}
	}
	older := is(3, "1", "")
	older.Fields = older.Fields[:1]
	for want, others := range map[string][]hello{
		"--lr is 2 on rank 2 and 1 on rank 0: all ranks need the same":                    {is(3, "1", ""), is(3, "2", "")},
		"WORLD_SIZE is 4 on rank 1 and 3 on rank 0: all ranks need the same":              {is(4, "2", ""), is(3, "1", "")},
		"rank 2 runs another version of the program than rank 0: all ranks need the same": {is(3, "1", ""), older},
		"the GPU of ranks 0 and 2 is the same one, " + at + remedy:                        {is(3, "1", two), is(3, "1", at)},
		"the GPU of ranks 1 and 2 is the same one, " + two + remedy:                       {is(3, "1", two), is(3, "1", two)},
	} {
		d := differences(is(3, "1", at), others)
		if assert.NotNil(t, d, want) {
			assert.EqualError(t, d, want)
		}
	}
	assert.Equal(t, 1, differences(is(3, "1", ""), []hello{is(3, "1", ""), is(3, "2", "")}).at, "the place of the field")
	assert.Nil(t, differences(is(3, "1", ""), []hello{is(3, "1", ""), is(3, "1", "")}),
		"GPUs that are not known are not the same")
	assert.Nil(t, differences(is(3, "1", at), []hello{is(3, "1", "x"), is(3, "1", "y")}))
}
