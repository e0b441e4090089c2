package dist

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
)

// Options say how the processes of a job communicate. The zero value is right on CPUs.
type Options struct {
	Device  string        // cpu (also ""), cuda: each process of a machine gets its own GPU, or cuda:i
	Backend string        // gloo or nccl; "": nccl on GPUs, else gloo
	Timeout time.Duration // of joining, and of an operation between ranks; 0: ten minutes
	Same    []Setting     // compared between all ranks, besides the program's build
}

// Join finds out from the environment whether this process is one of several, and meets the others. The environment is
// that of torchrun, which Kubernetes' PyTorchJob sets, too (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK,
// LOCAL_WORLD_SIZE), or that of a Slurm step (srun). Without either the process is on its own.
//
// Rank 0 serves c10d's store at MASTER_ADDR:MASTER_PORT; under torchrun, which uses that port, at MASTER_PORT+1000. An
// error is one line that says what to do. On every rank it names the ranks that did not come within the timeout, or the
// setting, build or GPU that is wrong.
//
// The processes of a machine share its cores: see [torch.SetThreads].
func Join(o Options) (*Job, error) {
	p, err := Find(os.Getenv)
	if err != nil {
		return nil, err
	}
	o.Device = cmp.Or(o.Device, "cpu")
	if p.Size > 1 {
		o.Device, o.Backend, err = Assign(o.Device, o.Backend, p, torch.CUDADevices(), torch.Backends())
		if err != nil {
			return nil, err
		}
	}
	return JoinAt(p, o)
}

// JoinAt is [Join] for a process whose place is known, with the device and the backend that [Assign] returned.
func JoinAt(p Place, o Options) (*Job, error) {
	if o.Timeout < 0 {
		return nil, field.Errorf("{dist.Timeout} %s: want a time above 0, or 0 for ten minutes", o.Timeout)
	}
	o.Timeout = cmp.Or(o.Timeout, 10*time.Minute)
	d, err := torch.ParseDevice(o.Device)
	if err != nil {
		return nil, err
	}
	if err := torch.Present(d); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Device, err)
	}
	j := &Job{Place: p, Device: d, backend: o.Backend, timeout: o.Timeout, only: onlyGPU(d, o.Backend)}
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
