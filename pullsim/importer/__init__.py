"""A scenario from what people have of a cluster: `pullsim init`.

`inventory` holds what was read, file by file, by the table in `recognise`. From it `pools`, `workloads`, `images` and
`registries` make the parts of a `Draft`, and `writer` writes that as a commented scenario. Whatever a file lacks or has
too much is passed over; what is guessed, warned of or left out goes to the `Notes`.
"""
