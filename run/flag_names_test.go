package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/torch"
)

// The command names flags where the libraries name fields, and what wraps an error stays.
func TestErrorsNameFlags(t *testing.T) {
	_, err := torch.ParseDevice("gpu")
	assert.EqualError(t, err, "Device gpu: want cpu, cuda or cuda:i")
	assert.EqualError(t, flagged(err), "--device gpu: want cpu, cuda or cuda:i")
	_, _, err = dist.Assign("cpu", "nccl", dist.Alone(), 0, nil)
	assert.EqualError(t, flagged(usage{err}),
		"--backend nccl with --device cpu: NCCL is between GPUs; set --device to cuda, or --backend to gloo")
	var u usage
	assert.True(t, errors.As(flagged(usage{err}), &u))
	assert.NoError(t, flagged(nil))
}
