"""Events: written by triggers of the tables that change (`writing`), read in order by any number of readers
(`reading`), kept in monthly partitions (`partitions`)."""
