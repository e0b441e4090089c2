module github.com/icl-msr/icl-msr

go 1.26

require (
	github.com/stretchr/testify v1.12.1
	github.com/sugarme/gotch v0.9.1
)

require (
	github.com/agext/levenshtein v1.2.3
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
