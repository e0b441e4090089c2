module github.com/icl-msr/icl-msr

go 1.26

require (
	github.com/sugarme/gotch v0.9.1
	github.com/spf13/pflag v1.1.0
	github.com/stretchr/testify v1.12.1
)
