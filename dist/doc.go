// Package dist joins the processes of a data-parallel job and tells which of them failed.
//
// A program calls [Join] once, in each process of the job. Join finds the process's rank in the environment, meets the
// other ranks, and returns a [Job] with the rank, the number of ranks, the device and the process group:
//
//	job, err := dist.Join(dist.Options{})
//	if err != nil {
//		return err
//	}
//	defer job.Close()
//	return job.Explain(train(job))
//
// In train, job.Rank and job.Size choose this rank's share of the data, and job.Group is given to the operations that
// work across ranks. [Job.Lead] runs a function on rank 0 alone, as to write a file, while the others wait. [Job.Agree]
// makes all ranks continue or none of them. [Job.Same] compares a setting or a checksum over all ranks. [Job.Explain]
// turns an error into one that names the rank that failed first.
//
// A process without such an environment is a job of one rank, for which all of this does nothing. [Spawn] starts
// several ranks on one machine.
package dist
