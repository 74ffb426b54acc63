raise RuntimeError("files whose name begins with _ are left out")
