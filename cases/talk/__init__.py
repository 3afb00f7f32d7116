"""What people say to each other about a case: comments and mentions, questions to others, files, and what reaches whom."""
