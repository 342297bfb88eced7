"""Work that is spread over the processes of a Ray: of this machine, or of a cluster."""
