"""What a change means for those who run it: resources, permissions and costs, judged from templates alone."""
