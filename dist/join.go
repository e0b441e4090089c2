package dist

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// Options say how the processes of a job talk. The zero value is right on CPUs.
type Options struct {
	Device  string        // cpu (also ""), cuda: each process of a machine its own GPU, or cuda:i
	Backend string        // gloo or nccl; "": nccl on GPUs, else gloo
	Timeout time.Duration // of meeting, and of an operation between ranks; 0: ten minutes
	Same    []Setting     // compared between all ranks, beside the program's build

	// Text is an error's message for the other ranks; nil: its Error.
	Text func(err error) string
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
//	job, err := dist.Join(dist.Options{})
//	if err != nil {
//		return err
//	}
//	defer job.Close()
//	return job.Explain(train(job)) // with job.Rank and job.Size for the data, job.Group for the rest
//
// The processes of a machine share its cores: see [torch.SetThreads].
func Join(o Options) (*Job, error) {
	p, err := Find(os.Getenv)
	if err != nil {
		return nil, err
	}
	if o.Device == "" {
		o.Device = "cpu"
	}
	if p.Size > 1 {
		if o.Device, o.Backend, err = Assign(o.Device, o.Backend, p, torch.CUDADevices(), torch.Backends()); err != nil {
			return nil, err
		}
	}
	return JoinAt(p, o)
}

// JoinAt is [Join] at a place that is known, with the device and the backend that [Assign] gave it.
func JoinAt(p Place, o Options) (*Job, error) {
	if o.Timeout < 0 {
		return nil, errors.New("dist: a job's Timeout is below 0")
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute
	}
	d, err := torch.ParseDevice(o.Device)
	if err != nil {
		return nil, err
	}
	if err := torch.Present(d); err != nil {
		return nil, fmt.Errorf("--device %s: %w", o.Device, err)
	}
	j := &Job{Place: p, Device: d, backend: o.Backend, timeout: o.Timeout, text: o.Text, only: onlyGPU(d, o.Backend)}
	if p.Size == 1 {
		return j, nil
	}
	if j.settings, err = build(); err != nil {
		return nil, err
	}
	j.settings = append(j.settings, o.Same...)
	if err := j.join(); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}
