package tensors

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/icl-msr/icl-msr/internal/launch"
	"github.com/icl-msr/icl-msr/internal/libtorch"
)

type (
	// Group are the ranks of a data-parallel job, on c10d: what meta.Trainer, meta.Problem,
	// methods.Pass and the modes of nets take. nil is a process on its own.
	// Scope.AllGather, AllSum, Share and Broadcast are its operations.
	Group = libtorch.Group
	// Traffic tells what a group has sent (Group.Traffic).
	Traffic = libtorch.Traffic
	// Setting is something that all ranks must have alike, as {"--lr", "0.1"}.
	Setting = launch.Field
)

// JobOptions say how the processes of a job talk. The zero value is right on
// CPUs.
type JobOptions struct {
	Device  string        // cpu (also ""), cuda: each process of a machine its own GPU, or cuda:i
	Backend string        // gloo or nccl; "": nccl on GPUs, else gloo
	Timeout time.Duration // of meeting, and of an operation between ranks; 0: ten minutes
	Same    []Setting     // compared between all ranks, beside the program's build
}

// Job is a process's place in a data-parallel job. A process on its own is rank 0
// of 1.
type Job struct {
	Rank, Size           int    // among all processes
	LocalRank, LocalSize int    // among those of this machine
	Device               Device // of this process
	Group                *Group // nil where Size is 1
	Restarted            bool   // torchrun or Slurm started the job again: go on from your checkpoint
	job                  *launch.Job
	led                  int // calls of Lead
}

// Join finds out from the environment whether this process is one of several,
// and meets the others. The environment is torchrun's: RANK, WORLD_SIZE,
// MASTER_ADDR and MASTER_PORT, with LOCAL_RANK and LOCAL_WORLD_SIZE, as Kubernetes'
// PyTorchJob also sets them; or that of a Slurm step (srun). Without either the
// process is on its own.
//
// Rank 0 serves c10d's store at MASTER_ADDR:MASTER_PORT (under torchrun, which
// has that port, at MASTER_PORT+1000). Errors are one line that says what to do:
// ranks that did not come within the timeout, and settings, builds or GPUs that
// are not as they must be, are named, on every rank.
//
//	job, err := tensors.Join(tensors.JobOptions{})
//	if err != nil {
//		return err
//	}
//	defer job.Close()
//	return job.Explain(train(job)) // with job.Rank and job.Size for the data, job.Group for the rest
//
// The processes of a machine share its cores: see [SetThreads].
func Join(o JobOptions) (*Job, error) {
	if o.Timeout < 0 {
		return nil, errors.New("tensors: a job's Timeout is below 0")
	}
	if o.Device == "" {
		o.Device = "cpu"
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute
	}
	p, err := launch.Find(os.Getenv)
	if err != nil {
		return nil, err
	}
	j := &Job{Rank: p.Rank, Size: p.Size, LocalRank: p.LocalRank, LocalSize: p.LocalSize, Restarted: p.Restarted}
	if p.Size > 1 {
		if o.Device, o.Backend, err = launch.Assign(o.Device, o.Backend, p, libtorch.CUDADevices(), libtorch.Backends()); err != nil {
			return nil, err
		}
	}
	if j.Device, err = libtorch.ParseDevice(o.Device); err != nil {
		return nil, err
	}
	if err := libtorch.Present(j.Device); err != nil {
		return nil, fmt.Errorf("--device %s: %w", o.Device, err)
	}
	if p.Size == 1 {
		return j, nil
	}
	fields, err := launch.Build()
	if err != nil {
		return nil, err
	}
	j.job, err = launch.Join(p, launch.Options{Backend: o.Backend, Timeout: o.Timeout, Device: j.Device, Fields: append(fields, o.Same...), Only: launch.OnlyGPU(j.Device, o.Backend)})
	if err != nil {
		return nil, err
	}
	j.Group = j.job.Ranks()
	return j, nil
}

// Leads reports whether this process is the one that writes files and speaks:
// rank 0.
func (j *Job) Leads() bool { return j.Rank == 0 }

// Lead runs f on rank 0 alone, as to evaluate and save, for as long as it takes,
// while the others wait. All ranks call it.
func (j *Job) Lead(f func() error) error {
	j.led++
	name := fmt.Sprint("led ", j.led)
	if !j.Leads() {
		return j.job.Await(name)
	}
	if err := f(); err != nil {
		return err
	}
	return j.job.Done(name)
}

// Same refuses to go on where a setting differs between ranks, as a checksum of
// the data. All ranks call it, with the same stage, a word of each call's own.
func (j *Job) Same(stage string, settings ...Setting) error { return j.job.Same(stage, settings) }

// Agree is where all ranks go on or none, as after opening files: where one has
// an error, each gets one that tells it.
func (j *Job) Agree(err error) error { return j.job.Agree(err) }

// Explain ends a job that failed: the other ranks are told this rank's error; an
// error that comes from a rank that failed, was killed or was cut off becomes one
// that names it. It does nothing to no error, and to that of a context that was
// cancelled, which ranks settle among them.
func (j *Job) Explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return j.job.Explain(err)
}

// Close leaves the job; rank 0, which serves the store, first waits for the
// others to leave. Nothing of the group is used after it.
func (j *Job) Close() { j.job.Close() }
