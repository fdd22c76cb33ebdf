"""What runs tasks: processes of this machine, Ray and Dask, each imported only where it is asked for."""
