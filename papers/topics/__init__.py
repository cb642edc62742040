"""What topics are found by, and papers filed under them: phrases, learned weights, decisions of editors."""
