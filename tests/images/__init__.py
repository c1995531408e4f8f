"""The container images: `make images` builds them, with Docker or without it.

`source` says what they are made of and which version that is; `engines` speaks to docker or
buildah; `base` brings the base image, made here where no registry can be reached; `build` puts
these together and keeps what has not changed; `sizes` weighs the result. Standard library only, as
in tests.stack: it runs on the system's Python.
"""
