"""From a submission to a result, a gradebook entry and an executed notebook."""
