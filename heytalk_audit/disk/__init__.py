"""Where the audit writes: private working folders that go however their owner ends, and finished files and folders put in their place."""
