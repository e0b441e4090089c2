package dist

import (
	"fmt"
	"strconv"
)

// Place is the position of a process in its job.
type Place struct {
	Rank, Size           int    // among all processes
	LocalRank, LocalSize int    // among the processes of this machine
	Address              string // of rank 0, which serves the store
	Port                 int
	ByAgent              bool   // torchrun's agent listens on Port
	Attempt              string // number of a restart; keeps the store's keys of different attempts apart
	Restarted            bool   // the job was started before and is to be resumed
	OwnGPU               bool   // processes may see different GPUs as cuda:0
}

// Alone is the place of the only process of a job.
func Alone() Place { return Place{Size: 1, LocalSize: 1} }

// Find reads the place from the environment: the variables of torchrun, which Kubernetes' PyTorchJob sets, too, or
// those of a Slurm step. Without either, or in a job of one process, the process is alone.
func Find(getenv func(string) string) (Place, error) {
	p, err := Alone(), error(nil)
	switch {
	case getenv("RANK") != "" || getenv("WORLD_SIZE") != "":
		p, err = fromTorch(getenv)
	case getenv("SLURM_STEP_NUM_TASKS") != "" && getenv("SLURM_STEP_NUM_TASKS") != "1":
		p, err = fromSlurm(getenv)
	}
	if err != nil {
		return p, err
	}
	p.Restarted = above0(getenv("TORCHELASTIC_RESTART_COUNT")) || above0(getenv("SLURM_RESTART_COUNT"))
	return p, p.check()
}

func above0(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0
}

func (p Place) check() error {
	switch {
	case p.Size < 1 || p.Rank < 0 || p.Rank >= p.Size:
		return fmt.Errorf("rank %d of %d processes: ranks go from 0 to WORLD_SIZE-1", p.Rank, p.Size)
	case p.LocalSize < 1 || p.LocalRank < 0 || p.LocalRank >= p.LocalSize:
		return fmt.Errorf("local rank %d of %d processes on this machine", p.LocalRank, p.LocalSize)
	case p.Size > 1 && (p.Port < 1 || p.Port > 65535):
		return fmt.Errorf("MASTER_PORT %d is no port; use 1024 to 65535", p.Port)
	}
	return nil
}

// reader reads whole numbers from the environment and keeps the first error.
type reader struct {
	getenv func(string) string
	err    error
}

func (r *reader) number(name string, otherwise int) int {
	s := r.getenv(name)
	if s == "" {
		if otherwise < 0 && r.err == nil {
			r.err = fmt.Errorf("the environment has no %s: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT go together, "+
				"as torchrun sets them; unset RANK and WORLD_SIZE for a job of one process", name)
		}
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("the environment has %s=%s: want a whole number", name, s)
	}
	return n
}

func fromTorch(getenv func(string) string) (Place, error) {
	r := reader{getenv: getenv}
	p := Place{
		Rank:      r.number("RANK", -1),
		Size:      r.number("WORLD_SIZE", -1),
		LocalRank: r.number("LOCAL_RANK", 0),
		ByAgent:   getenv("TORCHELASTIC_USE_AGENT_STORE") == "True",
		Attempt:   getenv("TORCHELASTIC_RESTART_COUNT"),
	}
	p.LocalSize = r.number("LOCAL_WORLD_SIZE", p.LocalRank+1)
	if p.Size > 1 {
		p.Port, p.Address = r.number("MASTER_PORT", -1), getenv("MASTER_ADDR")
		if p.Address == "" && r.err == nil {
			r.number("MASTER_ADDR", -1)
		}
	}
	return p, r.err
}
